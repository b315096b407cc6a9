-- Needs what 001 made.
alter table note add column author text;

create table author
(
    name text not null primary key
) strict;

-- Speaks up at the commit only.
create table book
(
    author text not null references author (name) deferrable initially deferred
) strict;
