package inventory

import (
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// ReadYAML reads a probe of whichever kind it is.
func (p *Probe) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	(&decoder{r}).decodeProbe(node, reflect.ValueOf(p).Elem(), path)
}

// decodeProbe reads an entry of `probes`: which of the kinds' keys it has says
// which keys it may have.
func (d *decoder) decodeProbe(node *yaml.Node, into reflect.Value, path string) {
	kinds := fieldsOf(into)
	found := kindsIn(node, kinds)
	if len(found) != 1 {
		d.failKinds(node, path, namesOf(found), namesOf(kinds))
		return
	}
	kind := found[0].Value
	kind.Set(reflect.New(kind.Type().Elem()))
	d.decodeStruct(node, kind.Elem(), path)
}

// kindsIn are the kinds whose keys a mapping has.
func kindsIn(node *yaml.Node, kinds []field) []field {
	var found []field
	for _, kind := range kinds {
		for i := 0; i < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
			if node.Content[i].Value == kind.Name {
				found = append(found, kind)
				break
			}
		}
	}
	return found
}

// failKinds says that a probe has no kind, or several.
func (d *decoder) failKinds(node *yaml.Node, path string, found, kinds []string) {
	if len(found) > 1 {
		d.fail(node, path, "a probe is of one kind, found %s", strings.Join(found, " and "))
		return
	}
	hint := ""
	for i := 0; i < len(node.Content) && hint == ""; i += 2 {
		hint = didYouMean(node.Content[i].Value, kinds)
	}
	d.fail(node, path, "a probe has one of the keys %s%s", oneOf(kinds), hint)
}

func (c *checker) checkProbes() {
	for _, name := range sorted(c.file.Probes) {
		path := join("probes", name)
		c.isToken(path, name)
		if slices.Contains(remediate.Choices, remediate.Choice(name)) {
			c.wrongKey(path, "%s is a word of the playbooks (%v); name the probe otherwise", quote(name), remediate.Choices)
		}
		c.checkProbe(path, c.file.Probes[name])
	}
}

func (c *checker) checkProbe(path string, p Probe) {
	switch {
	case p.HTTP != nil:
		c.checkHTTP(path, p.HTTP)
	case p.TCP != nil:
		c.checkAddress(join(path, "tcp"), p.TCP.Address)
	case p.TLS != nil:
		c.checkTLS(path, p.TLS)
	case p.PromQL != nil:
		c.checkPromQL(path, p.PromQL)
	case p.Metric != nil:
		c.checkMetric(path, p.Metric)
	case p.Memory != nil:
		c.checkMemory(path, p.Memory)
	case p.File != nil:
		c.checkPath(join(path, "file"), p.File.Path)
	case p.Disk != nil:
		c.checkDisk(path, p.Disk)
	case p.Postgres != nil:
		c.checkPostgres(path, p.Postgres)
	case p.CPU != nil:
		c.checkCPU(path, p.CPU)
	case p.OOM != nil:
		c.checkCount(path, "oom", &p.OOM.Of, p.OOM.Max)
	case p.Restarts != nil:
		c.checkRestarts(path, p.Restarts)
	case p.Resolve != nil:
		c.checkResolve(path, p.Resolve)
	case p.Route != nil:
		c.checkRoute(path, p.Route)
	default:
		return
	}
	c.checkTimeout(join(path, "timeout"), p.timeout())
}

// maxTimeout bounds a probe: a verification that waits longer for one answer has
// no answer.
const maxTimeout = time.Minute

func (c *checker) checkTimeout(path string, timeout *time.Duration) {
	if !c.has(path) {
		*timeout = defaultTimeout
	}
	if *timeout > maxTimeout {
		c.wrong(path, "expected at most %s, found %s", maxTimeout, *timeout)
	}
}

func (c *checker) checkHTTP(path string, p *HTTP) {
	plain := c.checkURL(join(path, "http"), p.URL) == "http"
	c.checkMethod(path, p)
	c.checkExpect(join(path, "expect"), &p.Expect)
	c.checkJSON(join(path, "json"), p)
	c.checkTrust(path, p.CA, p.ServerName, plain)
	c.checkToken(path, p)
	if other, ok := c.file.Probes[p.UncountedIn]; p.UncountedIn != "" && (!ok || other.Metric == nil) {
		c.wrong(join(path, "uncounted_in"), "%s is no metric probe%s", quote(p.UncountedIn), didYouMean(p.UncountedIn, c.metricProbes()))
	}
}

// metricProbes are the names of the probes of kind metric.
func (c *checker) metricProbes() []string {
	return slices.DeleteFunc(sorted(c.file.Probes), func(name string) bool { return c.file.Probes[name].Metric == nil })
}

func (c *checker) checkMethod(path string, p *HTTP) {
	method, body := join(path, "method"), join(path, "body")
	if !c.has(method) {
		p.Method = "GET"
	}
	if !slices.Contains([]string{"GET", "HEAD", "POST"}, p.Method) {
		c.wrong(method, "expected GET, HEAD or POST, found %s", quote(p.Method))
	}
	if c.has(body) && p.Method != "POST" {
		c.wrongKey(body, "only a POST has a body")
	}
	if p.Method == "POST" && !c.has(body) {
		p.Body = "{}"
	}
}

func (c *checker) checkExpect(path string, expect *[]int) {
	if !c.has(path) {
		*expect = []int{200}
	}
	if len(*expect) == 0 {
		c.wrong(path, "expected at least one HTTP status, like 200")
	}
	for i, status := range *expect {
		c.between(item(path, i), status, 100, 599)
	}
}

// checkTrust looks at what a TLS connection is held against; a plain one has no
// use for it.
func (c *checker) checkTrust(path, ca, serverName string, plain bool) {
	for _, name := range []string{"ca", "server_name"} {
		if field := join(path, name); c.has(field) && plain {
			c.wrongKey(field, "%s is for https only", name)
		}
	}
	if c.has(join(path, "ca")) {
		c.checkPath(join(path, "ca"), ca)
	}
	if c.has(join(path, "server_name")) && !hostName.MatchString(serverName) {
		c.wrong(join(path, "server_name"), "expected a host name, found %s", quote(serverName))
	}
}

var (
	hostName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	// metricName and labelName are those of the Prometheus text format.
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

func (c *checker) checkToken(path string, p *HTTP) {
	file, header := join(path, "token_file"), join(path, "header")
	if c.has(file) {
		c.checkPath(file, p.TokenFile)
		if !c.has(header) {
			p.Header = defaultHeader
		}
	}
	if !c.has(header) {
		return
	}
	if !c.has(file) {
		c.wrongKey(header, "the header holds the token of token_file, which is missing")
	}
	if !headerName.MatchString(p.Header) {
		c.wrong(header, "expected the name of a header, like %s, found %s", defaultHeader, quote(p.Header))
	}
}

// checkURL notes an error unless a text is a URL that can be asked; its scheme is
// returned. The text is not quoted: it may hold a password.
func (c *checker) checkURL(path, text string) string {
	if !c.has(path) || text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port(), "80"):
		c.wrong(path, "expected a URL like https://localhost:3002/")
		return ""
	case u.User != nil:
		c.wrong(path, "a URL here must not hold a user or password")
	}
	return u.Scheme
}

// isPort reports whether a text is a port; an empty one is the default.
func isPort(text, otherwise string) bool {
	if text == "" {
		text = otherwise
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

func (c *checker) checkAddress(path, text string) {
	host, port, err := net.SplitHostPort(text)
	if c.has(path) && (err != nil || host == "" || !isPort(port, "")) {
		c.wrong(path, "expected HOST:PORT like localhost:5432, found %s", quote(text))
	}
}

func (c *checker) checkPath(path, text string) {
	switch {
	case !c.has(path):
	case !filepath.IsAbs(text):
		c.wrong(path, "expected an absolute path, found %s", quote(text))
	case filepath.Clean(text) != text:
		c.wrong(path, "expected %s, the same path without detours, found %s", quote(filepath.Clean(text)), quote(text))
	}
}

func (c *checker) checkTLS(path string, p *TLS) {
	c.checkAddress(join(path, "tls"), p.Address)
	c.checkTrust(path, p.CA, p.ServerName, false)
	c.between(join(path, "min_days"), p.MinDays, 1, 3650)
	c.checkPath(join(path, "cert"), p.Cert)
	c.checkPath(join(path, "key"), p.Key)
}

func (c *checker) checkPromQL(path string, p *PromQL) {
	c.checkURL(join(path, "from"), p.From)
	if !c.has(join(path, "min")) {
		c.need(path, "max", "the greatest healthy value; or give min, the least")
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		c.wrong(join(path, "min"), "expected at most max (%v), found %v", *p.Max, *p.Min)
	}
}

func (c *checker) checkMetric(path string, p *Metric) {
	if name := join(path, "metric"); !metricName.MatchString(p.Name) {
		c.wrong(name, "expected the name of a counter, found %s", quote(p.Name))
	}
	for _, label := range sorted(p.Labels) {
		if !labelName.MatchString(label) {
			c.wrongKey(join(join(path, "labels"), label), "%s is no name of a label", quote(label))
		}
	}
	c.need(path, "from", "the URL of the page to scrape, like http://localhost:3001/metrics")
	c.need(path, "max", "how far the counter may rise")
	c.need(path, "per", "in which time, like 5m")
	c.checkURL(join(path, "from"), p.From)
	if p.Max != nil && *p.Max < 0 {
		c.wrong(join(path, "max"), "expected 0 or more, found %v", *p.Max)
	}
}

// checkMemory resolves `host` to what host.memory names.
func (c *checker) checkMemory(path string, p *Memory) {
	of, allocation, share := join(path, "memory"), join(path, "allocation"), join(path, "max")
	c.need(path, "max", "the greatest healthy share in use, like 85%")
	c.checkShare(share, p.Max, 100)
	if p.Of != "host" {
		c.checkSlice(of, p.Of)
		c.need(path, "allocation", "the bytes that the slice was given, like 2GiB")
		return
	}
	if c.has(allocation) {
		c.wrongKey(allocation, "that of the host is said in host.memory")
	}
	p.Of = ""
	if site := c.file.Host.Memory; site != nil {
		p.Of, p.Allocation = site.Of, site.Allocation
	}
}

func (c *checker) checkShare(path string, share, most Percent) {
	if share > most {
		c.wrong(path, "expected at most %s, found %s", most, share)
	}
}

func (c *checker) checkDisk(path string, p *Free) {
	c.checkPath(join(path, "disk"), p.Path)
	c.need(path, "min", "what must be free, like 10% or 2GiB")
	c.checkShare(join(path, "min"), p.Min.Share, 100)
	c.checkShare(join(path, "min_inodes"), p.MinInodes, 100)
}
