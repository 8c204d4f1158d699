-- One schema and one role per service: a role sees its own schema and nothing of another's.
-- Run once by a superuser, in the database that the services will use. Passwords are set apart from this file.
DO $$
DECLARE
    service text;
    role    text;
BEGIN
    FOREACH service IN ARRAY ARRAY['intake', 'dispatch', 'notify'] LOOP
        role := 'griddispatch_' || service;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
        EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, role);
        EXECUTE format('ALTER ROLE %I SET search_path = %I', role, service);
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
