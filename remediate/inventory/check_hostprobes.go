package inventory

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// ofHost is the word for the whole machine, where a unit or slice may stand.
const ofHost = "host"

// checkPart looks at what a probe is about: the machine, a service, or a slice.
func (c *checker) checkPart(path string, of *string) {
	switch {
	case *of == ofHost:
		*of = ""
	case strings.HasSuffix(*of, ".slice"):
		c.checkSlice(path, *of)
	default:
		c.checkService(path, *of)
	}
}

// checkService notes an error unless a name is that of a service.
func (c *checker) checkService(path, name string) {
	if why := wrongUnit(name); why != "" {
		c.wrong(path, "%s", why)
	} else if !strings.HasSuffix(name, ".service") {
		c.wrong(path, "%s is no service; expected a name that ends in .service", quote(name))
	}
}

func (c *checker) checkCPU(path string, p *CPU) {
	c.checkPart(join(path, "cpu"), &p.Of)
	c.need(path, "max", "the greatest healthy share, like 80%")
	c.need(path, "per", "over which time, like 1m")
	if c.has(join(path, "per")) && p.Per < time.Second {
		c.wrong(join(path, "per"), "expected at least 1s, found %s", p.Per)
	}
	most := Percent(100)
	if p.Of != "" {
		most = maxCPU
	}
	c.checkShare(join(path, "max"), p.Max, most)
}

// maxCount bounds how often something may happen before a probe minds.
const maxCount = 1000

// checkCount looks at a probe that counts what happens in a time.
func (c *checker) checkCount(path, kind string, of *string, most int) {
	c.checkPart(join(path, kind), of)
	c.need(path, "per", "in which time, like 1m")
	c.between(join(path, "max"), most, 0, maxCount)
}

func (c *checker) checkRestarts(path string, p *Restarts) {
	c.checkService(join(path, "restarts"), p.Unit)
	c.need(path, "max", "how often systemd may restart it by itself")
	c.need(path, "per", "in which time, like 5m")
	c.between(join(path, "max"), p.Max, 0, maxCount)
}

// role is a name in a PostgreSQL that needs no quotes anywhere.
var role = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$`)

func (c *checker) checkPostgres(path string, p *Postgres) {
	at := join(path, "postgres")
	switch {
	case strings.HasPrefix(p.At, "/"):
		c.checkPath(at, p.At)
	case strings.ContainsAny(p.At, "@="): // what libpq takes may hold a password: not quoted
		c.wrong(at, "expected the folder of a socket, like /run/postgresql, or HOST:PORT; no URL and no settings")
	default:
		c.checkAddress(at, p.At)
	}
	c.need(path, "user", "as whom it is asked")
	if !c.has(join(path, "database")) {
		p.Database = "postgres"
	}
	for field, name := range map[string]string{"user": p.User, "database": p.Database} {
		if c.has(join(path, field)) && !role.MatchString(name) {
			c.wrong(join(path, field), "expected a name of letters, digits, _, . and -, found %s", quote(name))
		}
	}
	c.checkPath(join(path, "passfile"), p.PassFile)
	c.checkPath(join(path, "ca"), p.CA)
	if c.has(join(path, "ca")) && filepath.IsAbs(p.At) {
		c.wrongKey(join(path, "ca"), "ca is for HOST:PORT only: there is no TLS on a socket of this host")
	}
	c.checkShare(join(path, "max"), p.Max, 100)
}

func (c *checker) checkResolve(path string, p *Resolve) {
	if !hostName.MatchString(strings.TrimSuffix(p.Name, ".")) {
		c.wrong(join(path, "resolve"), "expected a host name, found %s", quote(p.Name))
	}
	c.checkAddress(join(path, "server"), p.Server)
}

// anywhere is the word for an address that no more special route is for.
const anywhere = "default"

func (c *checker) checkRoute(path string, p *Route) {
	if p.To == anywhere {
		p.To = ""
		return
	}
	if to, err := netip.ParseAddr(p.To); err != nil || to.IsUnspecified() || to.IsMulticast() {
		c.wrong(join(path, "route"), "expected the IP address of one host, or %s, found %s", anywhere, quote(p.To))
	}
}

// jsonPath is how a field of an answer is named: words with a dot between.
var jsonPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$`)

// checkJSON looks at what an answer must say: only one that is read can.
func (c *checker) checkJSON(path string, p *HTTP) {
	if c.has(path) && p.Method == "HEAD" {
		c.wrongKey(path, "the answer to a HEAD has no body")
	}
	for _, field := range sorted(p.JSON) {
		if !jsonPath.MatchString(field) {
			c.wrongKey(join(path, field), "%s is no path of a field; expected words with a dot between, like checks.database", quote(field))
		}
	}
}
