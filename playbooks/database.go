package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
)

// Database restarts a database that takes no connections.
//
//   - Trigger: rave_database_connections, Grafana can't reach PostgreSQL, or more than
//     90 % of its connections are taken.
//   - Ladder: restart postgresql, which frees every connection; if that did not help,
//     grafana, which may hold on to what is gone. Who held the connections is kept
//     before.
//   - Verify: postgresql itself, the probe database (a connection, SELECT 1, and how
//     many are left), and Grafana's own word for its database (grafana-database).
//   - Undo: none is needed; what was committed is there, what was not is rolled back as
//     at any restart.
//   - Metrics: nightshift_incidents_total{playbook="database"},
//     nightshift_probe_healthy{probe="database"}.
var Database = remediate.Playbook{
	Name:   "database",
	Match:  alerts.Matching(`alertname="rave_database_connections"`),
	Target: unit("postgresql.service"),
	Look:   look(databaseOf("database"), lastLines(50), properties, answerOf("grafana-database")),
	Ladder: ladder(
		rung("restart postgresql", restart(theTarget)),
		rung("restart grafana", restart(the("grafana.service"))),
	),
	Verify: healthy(string(remediate.TheTarget), "database", "grafana-database"),
}
