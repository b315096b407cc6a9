-- Entries of the whole log (quarantine, reconcile, release) name no ledger: the table is made anew, for a column can't be freed of its constraints.
create table new_ledger_entry
(
    sequence       integer not null primary key,
    kind           text    not null check (kind in ('reserve', 'commit', 'refund', 'budget', 'quarantine', 'reconcile', 'release')),
    reservation_id text,
    ledger_id      text    references ledger (ledger_id),
    unit           text    check (unit in ('example', 'client')),
    run_id         text,
    round          integer,
    client_id      text,
    attempt        integer,
    event          text    not null, -- the charge as the plan stated it, the budget, or what befell the log, JSON
    charge         text,             -- what it takes from a budget: units of 1e-9 of its measure, or the word unbounded
    alpha          real,             -- Rényi order of the charge or of the budget
    measure        text,             -- zcdp for a charge or a budget in rho of zCDP; null elsewhere
    accountant     text,             -- version that computed the charge
    reason         text,             -- a refund's proof, a further output, the model that was committed for, or why the log was quarantined
    at             text    not null,
    previous_hash  text    not null,
    hash           text    not null,
    check (kind in ('budget', 'quarantine', 'reconcile', 'release')
        or reservation_id is not null and run_id is not null and round is not null and client_id is not null and attempt is not null and charge is not null),
    check ((kind in ('quarantine', 'reconcile', 'release')) = (ledger_id is null and unit is null))
) strict;

insert into new_ledger_entry
    (sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, alpha, measure, accountant, reason, at, previous_hash, hash)
select sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, alpha, measure, accountant, reason, at, previous_hash, hash
from ledger_entry order by sequence;

drop table ledger_entry;
alter table new_ledger_entry rename to ledger_entry;

create index ledger_entry_quarantine on ledger_entry (sequence) where kind in ('quarantine', 'release');
create index ledger_entry_lost on ledger_entry (sequence) where kind = 'reconcile';

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

-- The one model of a round that may be shown; null for none.
alter table committed_round add column model_sha256 text;

-- Messages that wait for the end of a quarantine.
create table held_message
(
    position integer not null primary key,
    type     text    not null,
    body     text    not null,
    held_at  text    not null
) strict;

-- Who has reported everything for a quarantine.
create table reconciliation
(
    quarantine_hash text not null,
    service         text not null,
    known_since     text,          -- the reporter was restored itself, and may not know what was before
    reported_at     text not null,
    primary key (quarantine_hash, service)
) strict, without rowid;
