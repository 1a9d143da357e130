-- Safe to run again: what exists is left alone.
SELECT 'CREATE ROLE grafana LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') \gexec
SELECT 'CREATE DATABASE grafana OWNER grafana' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'grafana') \gexec
-- The agent asks as itself, and may look at nothing.
SELECT 'CREATE ROLE nightshift LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nightshift') \gexec
