package inventory

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"nightshift/remediate"
)

func (c *checker) checkSeverities() {
	for _, name := range sorted(c.file.Severities) {
		c.between(join("severities", name), c.file.Severities[name], 1, 4)
	}
}

// maxLevels bounds an escalation: beyond it nobody new is left to call.
const maxLevels = 10

func (c *checker) checkEscalation() {
	c.checkLevels()
	e := c.file.Escalation
	if c.has("escalation.repeat") && e.Repeat < time.Second {
		c.wrong("escalation.repeat", "expected at least 1s, found %s", e.Repeat)
	}
	for _, s := range sorted(e.Acknowledge) {
		path := join("escalation.acknowledge", s)
		c.isSeverity(path, s)
		if c.has(path) && e.Acknowledge[s] < time.Second {
			c.wrong(path, "expected at least 1s, found %s", e.Acknowledge[s])
		}
	}
	for _, s := range sorted(e.Hours) {
		c.isSeverity(join("escalation.hours", s), s)
	}
}

// isSeverity notes an error unless the key of a path is a severity.
func (c *checker) isSeverity(path, key string) {
	if _, ok := severityOf(key); !ok {
		c.wrongKey(path, "%s is no severity: expected 1 (worst), 2, 3 or 4", quote(key))
	}
}

// severityOf reads a severity from a key.
func severityOf(key string) (remediate.Severity, bool) {
	n, err := strconv.Atoi(key)
	s := remediate.Severity(n)
	return s, err == nil && strconv.Itoa(n) == key && s >= 1 && s <= remediate.LeastSevere
}

func (c *checker) checkLevels() {
	levels, path := c.file.Escalation.Levels, "escalation.levels"
	if !c.has(path) {
		c.file.Escalation.Levels = []Delay{0}
		return
	}
	if len(levels) == 0 || len(levels) > maxLevels {
		c.wrong(path, "expected 1 to %d times, like [0m, 15m]", maxLevels)
	}
	for i := 1; i < len(levels); i++ {
		if levels[i] <= levels[i-1] {
			c.wrong(item(path, i), "expected more than the level before (%s), found %s", time.Duration(levels[i-1]), time.Duration(levels[i]))
		}
	}
}

// notPeople are names that say who spoke where no person of the inventory did: the
// local key, the agent itself, a freeze file.
var notPeople = []string{"operator", "nightshift", "file"}

func (c *checker) checkPeople() {
	keys := map[string]string{}
	for _, name := range sorted(c.file.People) {
		path, person := join("people", name), c.file.People[name]
		c.isToken(path, name)
		if slices.Contains(notPeople, name) {
			c.wrongKey(path, "%s is the agent's own name for somebody; take another", quote(name))
		}
		c.need(path, "key", "the public half of the person's nkey, U…; `nightshift user add` makes one")
		if key := join(path, "key"); c.has(key) {
			c.checkKey(key, name, person.Key, keys)
		}
	}
}

// checkKey notes an error unless a key is public, and nobody else's. It is not
// quoted: somebody may have taken the seed for it.
func (c *checker) checkKey(path, name, key string, keys map[string]string) {
	switch {
	case strings.HasPrefix(key, "S"):
		c.wrong(path, "this looks like a seed, which must never leave the person's machine: make a new key, and write its public half, U…, here")
	case !nkeys.IsValidPublicUserKey(key):
		c.wrong(path, "expected the public half of a NATS user nkey: U and 55 more characters")
	case keys[key] != "":
		c.wrong(path, "it is also the key of %s", keys[key])
	}
	keys[key] = name
}
