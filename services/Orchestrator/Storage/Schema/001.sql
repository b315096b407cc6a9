create table run
(
    run_id           text    not null primary key,
    idempotency_key  text unique,
    request_sha256   text    not null,
    spec             text    not null,
    state            text    not null,
    round            integer not null,
    ended_round      integer not null,
    abandoned_in_row integer not null,
    stop_requested   integer not null,
    model_sha256     text,
    model_size       integer,
    model_version    integer,
    parameter_count  integer,
    created_at       text    not null,
    ended_at         text,
    reason           text
) strict;

create table client
(
    client_id   text not null primary key,
    pool        text,
    data_sets   text not null,
    enrolled_at text not null,
    left_at     text
) strict;

create table worker
(
    worker_id text    not null primary key,
    pool      text,
    client_id text,
    slots     integer not null,
    running   integer not null,
    seen_at   text    not null
) strict;

create table round
(
    round_id        text    not null primary key,
    run_id          text    not null references run,
    number          integer not null,
    state           text    not null,
    deadline_at     text,
    cohort_size     integer not null,
    planned         integer not null,
    open            integer not null,
    refused         integer not null,
    admitted        integer not null,
    rejected        integer not null,
    minimum_reports integer not null,
    target          integer,
    base_sha256     text    not null,
    base_size       integer not null,
    bytes_up        integer not null,
    model_sha256    text,
    model_size      integer,
    evaluation      text,
    clip_norm       real,
    receipt_seq     integer,
    receipt_hash    text,
    started_at      text    not null,
    ended_at        text,
    reason          text,
    unique (run_id, number)
) strict;

create index round_active on round (state) where state not in ('Done', 'Abandoned');

create table member
(
    round_id         text    not null references round,
    client_id        text    not null,
    run_id           text    not null,
    state            text    not null,
    reservation_id   text    not null,
    address          text    not null,
    example_count    integer not null,
    lease_number     integer not null,
    lease_token      text    not null,
    lease_ends_at    text,
    trained_examples integer,
    bytes_up         integer not null,
    training_loss    real,
    training_seconds real,
    detail           text,
    primary key (round_id, client_id)
) strict, without rowid;

-- Clients that a run draws no more, because the ledger said that their budget is spent.
create table exhausted_client
(
    run_id    text not null references run,
    client_id text not null,
    primary key (run_id, client_id)
) strict, without rowid;

create index member_waiting on member (address, run_id) where state = 'Waiting';
create index member_in_flight on member (address, run_id) where state in ('Dispatched', 'Accepted');
create index member_lease on member (lease_ends_at) where state = 'Accepted';
create index member_of_run on member (run_id, client_id);

-- One federated evaluation of a model, and the clients' answers.
create table evaluation
(
    run_id      text    not null references run,
    version     integer not null,
    expected    integer not null,
    answered    integer not null,
    deadline_at text    not null,
    closed_at   text,
    primary key (run_id, version)
) strict;

create index evaluation_open on evaluation (run_id) where closed_at is null;

create table evaluation_answer
(
    run_id             text    not null,
    version            integer not null,
    client_id          text    not null,
    example_count      integer not null,
    loss_sum           real    not null,
    correct_count      integer,
    absolute_error_sum real,
    primary key (run_id, version, client_id)
) strict, without rowid;
