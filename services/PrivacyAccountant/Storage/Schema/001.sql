-- Whose privacy is spent: a part of an owner's data set. The id is derived from the other columns.
create table ledger
(
    ledger_id       text    not null primary key,
    owner           text    not null,
    data_set        text    not null,
    partition_rule  text    not null,
    partition_seed  integer not null,
    partition_index integer not null
) strict, without rowid;

-- What a ledger has been charged in each privacy unit: sums over ledger_entry, kept so that they need not be formed anew.
create table ledger_unit
(
    ledger_id text    not null references ledger (ledger_id),
    unit      text    not null check (unit in ('example', 'client')),
    entries   integer not null,
    reserved  integer not null check (reserved >= 0),
    committed integer not null,
    refunded  integer not null,
    unbounded integer not null check (unbounded >= 0), -- reserved or committed charges against which no budget holds
    spent     integer not null check (spent >= 0),     -- the others together, in units of 1e-9 of the account's measure
    alpha     real,                                    -- Rényi order of every charge; fixed by the first charge or budget
    measure   text check (measure = 'zcdp'),           -- set where every charge is in rho of zCDP; it has no order then
    epsilon   real,                                    -- the budget, of epsilon or of rho; all null while there is none
    delta     real,
    rho       real,
    primary key (ledger_id, unit),
    check (alpha is null or measure is null),
    check (epsilon is null or rho is null)
) strict, without rowid;

-- Whose data a client has trained on.
create table ledger_client
(
    client_id text not null,
    ledger_id text not null references ledger (ledger_id),
    primary key (client_id, ledger_id)
) strict, without rowid;

-- One charge of one client in one round and unit, and where it stands; ledger_entry tells the same again. Both keys begin with the round, so
-- that a round's rows lie together and a charge costs as little in the millionth as in the first.
create table reservation
(
    run_id         text    not null,
    round          integer not null check (round >= 1),
    client_id      text    not null,
    attempt        integer not null check (attempt >= 1),
    unit           text    not null check (unit in ('example', 'client')),
    ledger_id      text    not null references ledger (ledger_id),
    reservation_id text    not null,
    event          text    not null,
    charge         text    not null,
    alpha          real,
    measure        text,
    state          text    not null check (state in ('reserved', 'committed', 'refunded')),
    primary key (run_id, round, client_id, attempt, unit),
    unique (run_id, round, ledger_id, attempt, unit)
) strict, without rowid;

create trigger reservation_is_final before update on reservation
when old.state <> 'reserved' or new.state = 'reserved'
    or (old.reservation_id, old.unit, old.ledger_id, old.run_id, old.round, old.client_id, old.attempt, old.event, old.charge, old.alpha, old.measure)
    is not (new.reservation_id, new.unit, new.ledger_id, new.run_id, new.round, new.client_id, new.attempt, new.event, new.charge, new.alpha, new.measure)
begin
    select raise(abort, 'a reservation changes once, from reserved to committed or refunded');
end;

create trigger reservation_is_kept before delete on reservation
begin
    select raise(abort, 'a reservation is never deleted');
end;

-- The log: append-only, dense from 1, each entry's hash over the one before it.
create table ledger_entry
(
    sequence       integer not null primary key,
    kind           text    not null check (kind in ('reserve', 'commit', 'refund', 'budget')),
    reservation_id text,
    ledger_id      text    not null references ledger (ledger_id),
    unit           text    not null check (unit in ('example', 'client')),
    run_id         text,
    round          integer,
    client_id      text,
    attempt        integer,
    event          text    not null, -- the charge as the plan stated it, or the budget, JSON
    charge         text,             -- what it takes from a budget: units of 1e-9 of its measure, or the word unbounded
    alpha          real,             -- Rényi order of the charge or of the budget
    measure        text,             -- zcdp for a charge or a budget in rho of zCDP; null elsewhere
    accountant     text,             -- version that computed the charge
    reason         text,             -- a refund's proof
    at             text    not null,
    previous_hash  text    not null,
    hash           text    not null,
    check (kind = 'budget' or reservation_id is not null and run_id is not null and round is not null and client_id is not null and attempt is not null and charge is not null)
) strict;

-- Also keeps "insert or replace" from putting an entry over another: that deletes without asking the trigger below.
create trigger ledger_entry_continues before insert on ledger_entry
when new.sequence is not (select coalesce(max(sequence), 0) + 1 from ledger_entry)
    or new.previous_hash is not coalesce((select hash from ledger_entry order by sequence desc limit 1), printf('%064d', 0))
begin
    select raise(abort, 'an entry continues the chain at its head');
end;

create trigger ledger_entry_is_not_changed before update on ledger_entry
begin
    select raise(abort, 'ledger_entry is append-only');
end;

create trigger ledger_entry_is_kept before delete on ledger_entry
begin
    select raise(abort, 'ledger_entry is append-only');
end;

-- Rounds whose charges are final, with the receipt that was given out.
create table committed_round
(
    run_id    text    not null,
    round     integer not null check (round >= 1),
    committed integer not null,
    sequence  integer not null,
    hash      text    not null,
    primary key (run_id, round)
) strict, without rowid;

create trigger committed_round_is_not_changed before update on committed_round
begin
    select raise(abort, 'a receipt is final');
end;

create trigger committed_round_is_kept before delete on committed_round
begin
    select raise(abort, 'a receipt is final');
end;
