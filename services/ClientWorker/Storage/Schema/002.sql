-- UpdateSignature as JSON, made with the update: whatever is sent again carries the same. Null where the worker has no key.
alter table tasks add column signature text;
