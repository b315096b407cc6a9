create table tasks
(
    reservation_id    text    not null primary key,
    run_id            text    not null,
    round             integer not null,
    client_id         text    not null,
    lease_number      integer not null,
    state             text    not null check (state in ('Accepted', 'Trained', 'Announced', 'Refused', 'Interrupted')),
    command           text    not null,         -- TrainClient as JSON, as it holds now
    update_sha256     text,                     -- known once trained, and kept: no other bytes are ever announced
    update_size_bytes integer,
    example_count     integer,
    training_loss     real,
    training_seconds  real,
    reason_code       text,                     -- of a refusal or an interruption
    detail            text,
    changed_at        text    not null
) strict, without rowid;

create index tasks_of_run on tasks (run_id, round);
create index tasks_unfinished on tasks (client_id) where state in ('Accepted', 'Trained');

create table evaluations
(
    run_id       text    not null,
    version      integer not null,
    client_id    text    not null,
    submitted_at text    not null,
    primary key (run_id, version, client_id)
) strict, without rowid;
