create table note
(
    text text not null
) strict;

create table filler
(
    bytes blob not null
) strict;
