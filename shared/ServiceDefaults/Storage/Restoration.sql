-- Copies that this database has been through: each row came with a snapshot, and says when a service began to work with it.
create table if not exists restoration
(
    snapshot_id text not null primary key,
    taken_at    text not null,
    opened_at   text
) strict, without rowid;
