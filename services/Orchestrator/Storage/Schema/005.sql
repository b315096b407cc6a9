-- Name of the key that a client signs its updates with, null where it has none; and whether it comes over HTTPS, so that its tasks are fetched and not sent.
alter table client add column key_sha256 text;
alter table client add column is_edge integer not null default 0;
alter table member add column key_sha256 text;

-- Clients that were invited to come over HTTPS (docs/enrolment.md): the key that is good, and one that waits for an operator's word.
create table enrolment
(
    client_id     text    not null primary key,
    owner         text    not null,            -- whose budgets its data is charged to, for good
    token_sha256  text    unique,              -- of the newest invitation, until what came with it is approved
    token_ends_at text,
    waiting_key   text,                        -- DER SubjectPublicKeyInfo, base64
    waiting_data  text,                        -- what it declares to hold, JSON
    key           text,
    is_suspended  integer not null default 0,
    is_revoked    integer not null default 0,
    changed_at    text    not null
) strict, without rowid;
