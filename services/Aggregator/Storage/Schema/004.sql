-- Name of the key that the member signs its updates with; null where it has none.
alter table book_member add column key_sha256 text;
