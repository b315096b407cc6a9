-- What the ledger was asked to charge, page by page, and what it answered: should it lose entries, they are told to it again.
create table budget_request
(
    position     integer not null primary key,
    run_id       text    not null,
    round        integer not null,
    first_client text    not null,   -- the page's clients are in order of their ids
    last_client  text    not null,
    body         blob    not null,   -- ReserveBudget as JSON, gzip
    reserved     text,               -- ids of the clients that were charged, JSON; null before the answer
    receipt_seq  integer,            -- the ledger's head when it answered
    receipt_hash text
) strict;

create index budget_request_of_round on budget_request (run_id, round);

-- The newest receipt that the ledger has given: one row.
create table newest_receipt
(
    id       integer not null primary key check (id = 1),
    sequence integer not null,
    hash     text    not null
) strict;
