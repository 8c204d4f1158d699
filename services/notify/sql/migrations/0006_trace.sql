-- The trace of what caused a message, handed on to whoever is told: W3C Trace Context.

ALTER TABLE message ADD COLUMN traceparent text;
