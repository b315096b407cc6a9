-- Who did what over HTTP, in every service's database: rows chained by their hashes, from the first on.
create table if not exists audit
(
    sequence      integer primary key,  -- dense from 1
    step          text    not null check (step in ('asked', 'answered', 'refused')),
    at            text    not null,
    answers       integer references audit (sequence), -- of an answer: the row that it answers, which has what was asked
    who           text,
    method        text,
    route         text,                 -- pattern of the endpoint
    path          text,                 -- without the query
    scope         text,                 -- what the endpoint asks for
    remote        text,
    body_sha256   text,                 -- null where no body was read
    status        integer,              -- of HTTP; null of what was asked
    previous_hash text    not null,
    hash          text    not null,
    check ((answers is not null) = (step = 'answered')),
    check ((status is null) = (step = 'asked'))
) strict;

-- Also keeps "insert or replace" from putting a row over another: that deletes without asking the trigger below.
create trigger if not exists audit_continues before insert on audit
when new.sequence is not (select coalesce(max(sequence), 0) + 1 from audit)
    or new.previous_hash is not coalesce((select hash from audit order by sequence desc limit 1), printf('%064d', 0))
begin
    select raise(abort, 'a row continues the chain at its head');
end;

create trigger if not exists audit_is_not_changed before update on audit
begin
    select raise(abort, 'audit is append-only');
end;

create trigger if not exists audit_is_kept before delete on audit
begin
    select raise(abort, 'audit is append-only');
end;
