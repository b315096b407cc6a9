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

-- What left, or was going to leave, in the owner's own books: one row for each accepted task and privacy unit. Never deleted.
create table releases
(
    reservation_id text    not null,
    unit           text    not null check (unit in ('example', 'client')),
    client_id      text    not null,
    data_set       text    not null,
    run_id         text    not null,
    round          integer not null,
    event          text    not null, -- PrivacyCharge as JSON, as this worker computed it
    charge         text    not null, -- units of 1e-9 at alpha, or of rho, or the word unbounded
    alpha          real,
    measure        text,             -- zcdp where the charge is in rho; it has no alpha then
    accepted_at    text    not null,
    primary key (reservation_id, unit)
) strict, without rowid;

create index releases_of_data on releases (client_id, data_set, unit);
