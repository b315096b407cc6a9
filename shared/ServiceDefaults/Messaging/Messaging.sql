-- Every service's database has these two tables; its own schema files add the rest.
create table if not exists inbox
(
    endpoint    text not null,
    message_id  text not null,
    received_at text not null,
    primary key (endpoint, message_id)
) strict, without rowid;

create table if not exists outbox
(
    seq         integer primary key autoincrement,
    message_id  text    not null unique,
    run_id      text,             -- the run and round the message belongs to: its row is kept until they are final
    round       integer,
    destination text,             -- name of an exchange; null for an event, which is published
    type        text    not null,
    body        text    not null,
    created_at  text    not null,
    sent_at     text,
    trace_parent text             -- place in a trace, as the W3C's traceparent; null where none is made
) strict;

create index if not exists outbox_unsent on outbox (seq) where sent_at is null;
create index if not exists outbox_sent on outbox (run_id, round) where sent_at is not null;

-- Messages that this service can't or won't act on, with the reason, until a person replays or discards them.
create table if not exists quarantine
(
    id         integer primary key autoincrement,
    endpoint   text not null,   -- queue it came from, and goes back to
    message_id text not null,
    type       text,            -- null where the message can't be read
    body       text not null,
    reason     text not null,
    detail     text not null,
    at         text not null,
    unique (endpoint, message_id)
) strict;
