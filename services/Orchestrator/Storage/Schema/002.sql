-- A run's event log (docs/replay.md): append-only, dense from 1, each record's hash over the one before it. The body tells what round and subject tell;
-- they are columns so that what comes again is not told again.
create table event
(
    run_id        text    not null references run,
    sequence      integer not null,
    type          text    not null,
    round         integer not null, -- 0 for what is of the run itself
    subject       text    not null, -- the client, or the first of a page; empty for what there is one of in a round
    body          text    not null,
    at            text,             -- of what is of no single client
    previous_hash text    not null,
    hash          text    not null,
    primary key (run_id, sequence),
    unique (run_id, round, type, subject)
) strict, without rowid;

-- Also keeps "insert or replace" from putting a record over another: that deletes without asking the trigger below.
create trigger event_continues before insert on event
when new.sequence is not (select coalesce(max(sequence), 0) + 1 from event where run_id = new.run_id)
    or new.previous_hash is not coalesce((select hash from event where run_id = new.run_id order by sequence desc limit 1), printf('%064d', 0))
    or exists (select 1 from event where run_id = new.run_id and round = new.round and type = new.type and subject = new.subject)
begin
    select raise(abort, 'a record continues its run''s log and tells something new');
end;

create trigger event_is_not_changed before update on event
begin
    select raise(abort, 'event is append-only');
end;

create trigger event_is_kept before delete on event
begin
    select raise(abort, 'event is append-only');
end;
