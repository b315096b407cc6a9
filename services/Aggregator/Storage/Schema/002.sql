-- Updates that ever came for a task whose client adds noise of its own. Unlike an upload's row this stays when the round is final: a different
-- update that comes later still is a further output of the same data.
create table output
(
    reservation_id text not null,
    sha256         text not null,
    primary key (reservation_id, sha256)
) strict, without rowid;
