create table run
(
    run_id        text not null primary key,
    spec          text not null,
    model_sha256  text not null,   -- the newest released model
    model_size    integer not null,
    model_version integer not null
) strict;

create table model
(
    run_id     text    not null references run,
    version    integer not null,
    sha256     text    not null,
    size       integer not null,
    created_at text    not null,
    primary key (run_id, version)
) strict, without rowid;

create table book
(
    round_id     text    not null primary key,
    run_id       text    not null,
    round        integer not null,
    state        text    not null,
    base_sha256  text    not null,
    base_size    integer not null,
    cohort_size  integer not null,
    members      integer not null,
    admitted     integer not null,
    result_sha256 text,
    result_size  integer,
    evaluation   text,
    clip_norm    real,
    next_clip_norm real,              -- for the run's next round, where the clipping norm adapts
    receipt_seq  integer,
    receipt_hash text,
    unique (run_id, round)
) strict;

create index book_unfinished on book (state) where state in ('Frozen', 'Aggregated');

create table book_member
(
    round_id           text    not null references book,
    client_id          text    not null,
    reservation_id     text    not null unique,
    lease_number       integer not null,
    lease_token_sha256 text    not null,
    example_count      integer not null,
    state              text    not null,
    update_sha256      text,
    update_size        integer,
    weight             integer,
    has_left           integer not null default 0,   -- the client has left since: its update goes when the round is final
    primary key (round_id, client_id)
) strict, without rowid;

-- Messages that came before the book or the lease they refer to; sent again when the book grows.
create table early_message
(
    seq      integer primary key,
    round_id text not null,
    type     text not null,
    body     text not null,
    kept_at  text not null
) strict;

create index early_message_of_round on early_message (round_id);

-- A row for every update before its bytes get their name.
create table upload
(
    reservation_id text    not null,
    sha256         text    not null,
    size           integer not null,
    received_at    text    not null,
    primary key (reservation_id, sha256)
) strict, without rowid;

create index upload_by_hash on upload (sha256);
