// Who looks. A key or token is kept for this tab alone, and is gone with it; it goes into a header and nowhere else.

const Name = "flevents.bearer";

export const session = {
  get bearer() { return sessionStorage.getItem(Name); },
  set bearer(value) { if (value) { sessionStorage.setItem(Name, value); } else { sessionStorage.removeItem(Name); } },
};
