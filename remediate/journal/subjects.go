package journal

import "nightshift/remediate"

// hostToken stands for the host itself where a subject names an incident.
const hostToken = "_"

// token is how an incident is named in a subject.
func token(incident remediate.ID) string {
	if incident == "" {
		return hostToken
	}
	return string(incident)
}

// logSubject is where an event of incident is appended; "*" is all of them.
func logSubject(host, incident string) string { return "journal." + host + "." + incident }

// snapshotSubject is one token longer than an event's: found at once as the
// last message of its own subject, and never shown to people.
func snapshotSubject(host string) string { return logSubject(host, hostToken) + ".snapshot" }

// retiredSubjects are what the stream of an earlier epoch listens to, since it
// must listen to something: nobody publishes there.
func retiredSubject(host, epoch string) string { return "journal.retired." + host + "." + epoch }

// eventsSubject is where people see what was stored.
func eventsSubject(host, incident string) string { return "nightshift.events." + host + "." + incident }

func logStream(host, epoch string) string { return "journal-" + host + "-" + epoch }
func alertsStream(host string) string     { return "alerts-" + host }
func alertsSubject(host string) string    { return "alerts." + host }
func evidenceStream(host string) string   { return "evidence-" + host }
func evidenceSubject(host, digest string) string {
	return "evidence." + host + "." + digest
}
func canaryStream(host string) string  { return "canary-" + host }
func canarySubject(host string) string { return "canary." + host }
