package agent

import (
	"maps"
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/journal"
	"nightshift/remediate/oncall"
)

// usersOf are the people of an inventory, as users of the NATS server.
func usersOf(file *inventory.File) []journal.Person {
	var users []journal.Person
	for _, name := range slices.Sorted(maps.Keys(file.People)) {
		users = append(users, journal.Person{Name: name, Key: file.People[name].Key})
	}
	return users
}

// person is who a user is now. The operator of this host may approve only while the
// inventory names nobody: from then on it takes a person with a key of their own.
func (a *Agent) person(user string) (oncall.Person, bool) {
	people := a.file().People
	if user == operatorUser {
		p := oncall.Person{Key: a.journal.OperatorKey()}
		if len(people) == 0 {
			p.Approves = remediate.Rollback
		}
		return p, true
	}
	p, ok := people[user]
	return oncall.Person{Key: p.Key, Approves: p.Approves}, ok
}
