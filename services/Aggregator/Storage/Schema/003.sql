-- The later round whose book the member's late update was given to.
alter table book_member add column carried_to text;

create index book_member_carried on book_member (carried_to) where carried_to is not null;
