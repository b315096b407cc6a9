-- A task's row stays as the owner's record of what was asked; once the task is final and old, its command is forgotten and left empty.
alter table tasks add column run_name text not null default '';
alter table tasks add column strategy text not null default '';
alter table tasks add column data_set text not null default '';
alter table tasks add column rule text;                                -- of the owner's that was broken
alter table tasks add column asked_at text;
alter table tasks add column accepted_at text;                         -- when it was last; null where it never was
alter table tasks add column sent_bytes integer not null default 0;    -- counted when the task is accepted
alter table tasks add column received_bytes integer not null default 0;

-- What an earlier program was told has no name and no strategy.
update tasks set command = json_set(command, '$.runName', '', '$.strategy', 'fedAvg'), data_set = json_extract(command, '$.data.dataSet'), asked_at = changed_at,
    accepted_at = case when state <> 'Refused' then changed_at end;

drop index tasks_of_run;
create index tasks_remembered on tasks (run_id, round) where command <> '';
create index tasks_of_day on tasks (accepted_at, sent_bytes, received_bytes) where accepted_at is not null;

alter table evaluations add column run_name text not null default '';
alter table evaluations add column data_set text not null default '';
alter table evaluations add column rule text;                          -- of the owner's that was broken: then there was no answer
alter table evaluations add column received_bytes integer not null default 0;

create index evaluations_of_day on evaluations (submitted_at, received_bytes);
create index releases_of_run on releases (run_id, client_id);
