package inventory

import (
	"path"
	"slices"

	"nightshift/remediate/strict"
)

func (c *checker) checkPlaybooks() {
	if len(c.file.Playbooks) == 0 {
		c.warn(c.holder("playbooks"), "playbooks", "none is on: nothing will ever be done")
	}
	seen := map[string]bool{}
	for i, p := range c.file.Playbooks {
		path := item("playbooks", i)
		switch named, files := c.has(join(path, "name")), c.has(join(path, "files")); {
		case named == files:
			c.wrong(path, "expected either name (a coded playbook) or files (playbooks in YAML)")
		case files:
			c.checkFiles(path, p.Files)
		default:
			c.checkPlaybookName(join(path, "name"), p.Name, seen)
			c.checkFigures(path, p)
		}
	}
}

func (c *checker) checkFiles(where, pattern string) {
	if _, err := path.Match(pattern, ""); err != nil {
		c.wrong(join(where, "files"), "%s is no pattern of file names; expected one like playbooks/*.yaml", quote(pattern))
	}
	for _, key := range []string{"verify", "attempts", "deadline", "rates", "breaker", "flapping", "keep_level"} {
		if field := join(where, key); c.has(field) {
			c.wrongKey(field, "each of the files says its own %s", key)
		}
	}
}

func (c *checker) checkPlaybookName(path, name string, seen map[string]bool) {
	coded := c.options.Playbooks
	switch {
	case coded == nil && !strict.IsToken(name):
		c.wrong(path, "%s is no name of a playbook: %s", quote(name), tokenIs)
	case coded != nil && !slices.Contains(coded, name):
		c.wrong(path, "%s is no coded playbook%s", quote(name), hintOrAll(name, coded))
	case seen[name]:
		c.wrong(path, "playbook %s is listed twice", quote(name))
	}
	seen[name] = true
}

// checkFigures holds a playbook's figures against each other.
func (c *checker) checkFigures(path string, p Playbook) {
	v := p.Verify
	c.ownFigures(path, p.Rates, p.Breaker)
	c.flapping(join(path, "flapping"), p.Flapping)
	c.between(join(path, "attempts.max"), p.Attempts.Max, 1, 100)
	if v.Within > 0 && v.Window > 0 && v.Within < v.Settle+v.Window {
		c.wrong(join(path, "verify.within"), "expected at least settle and window together (%s), found %s", v.Settle+v.Window, v.Within)
	}
	if v.Window > 0 && v.Every > v.Window {
		c.wrong(join(path, "verify.every"), "expected at most the window (%s), found %s", v.Window, v.Every)
	}
}
