// Package oncall is how people reach the agent over NATS: verbs that they say of
// an incident or of the whole agent, and queries. Both are requests; a verb is
// answered once what it did is durable.
//
// Who speaks is the subject, which the server enforces: a user may publish
// nowhere but below their own name. Nothing in a message says who wrote it; but a
// verb that decides what is done is signed as well, with the key that the inventory
// has for that user, and good for once and a few minutes.
package oncall

import "strings"

// Subjects. A user and a host are one token each.
//
//	nightshift.do.<user>.<host>.<verb>   a person's verb, a request
//	nightshift.ask.<host>.<query>        a query, a request
//	nightshift.events.<host>.<incident>  each event, once it is stored
//	nightshift.notify.<host>.<kind>      what people should know of it

// doSubject is where a user says a verb to a host.
func doSubject(user, host, verb string) string {
	return strings.Join([]string{"nightshift", "do", user, host, verb}, ".")
}

// askSubject is where a host answers a query.
func askSubject(host, query string) string { return "nightshift.ask." + host + "." + query }

// heard reads user and verb off the subject of a request to a host.
func heard(subject, host string) (user, verb string, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 5 || tokens[0] != "nightshift" || tokens[1] != "do" || tokens[3] != host {
		return "", "", false
	}
	return tokens[2], tokens[4], true
}
