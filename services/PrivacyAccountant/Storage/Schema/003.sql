-- Name of the key that a reservation's client signs its updates with: a further output of it is charged on its own word alone. Reservations of clients
-- without a key are not here.
create table reservation_key
(
    run_id     text    not null,
    round      integer not null,
    client_id  text    not null,
    key_sha256 text    not null,
    primary key (run_id, round, client_id)
) strict, without rowid;
