-- The earlier round whose late update counts in this one; null for a client that is sent a task.
alter table member add column carried_from text;

create index member_late on member (run_id) where state = 'Late';

create index member_carried on member (run_id) where carried_from is not null;
