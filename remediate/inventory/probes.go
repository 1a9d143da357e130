package inventory

import "time"

// Probe is one entry of `probes`. Exactly one of its fields is set: the one whose
// key the entry has.
type Probe struct {
	HTTP   *HTTP   `yaml:"http"`
	TCP    *TCP    `yaml:"tcp"`
	TLS    *TLS    `yaml:"tls"`
	PromQL *PromQL `yaml:"promql"`
	Metric *Metric `yaml:"metric"`
	Memory *Memory `yaml:"memory"`
	File   *Exists `yaml:"file"`
	Disk   *Free   `yaml:"disk"`
}

// HTTP asks a URL and expects one of some statuses. Redirects are not followed.
type HTTP struct {
	URL string `yaml:"http"`
	// Method is GET, HEAD or POST.
	Method string `yaml:"method"`
	// Body is what a POST sends, as application/json.
	Body   string `yaml:"body"`
	Expect []int  `yaml:"expect,orone"`
	// CA is a file of certificates to trust; those of the system if empty.
	CA         string `yaml:"ca"`
	ServerName string `yaml:"server_name"`
	// TokenFile holds a token that is sent in the header Header.
	TokenFile string `yaml:"token_file"`
	Header    string `yaml:"header"`
	// UncountedIn names the metric probe in which an error that this probe
	// provokes by itself does not count.
	UncountedIn string        `yaml:"uncounted_in"`
	Timeout     time.Duration `yaml:"timeout"`
}

// TCP opens a connection.
type TCP struct {
	Address string        `yaml:"tcp"`
	Timeout time.Duration `yaml:"timeout"`
}

// TLS makes a handshake and looks at the certificate.
type TLS struct {
	Address    string `yaml:"tls"`
	CA         string `yaml:"ca"`
	ServerName string `yaml:"server_name"`
	// MinDays is how many days the certificate must last; 0 asks for nothing.
	MinDays int           `yaml:"min_days"`
	Timeout time.Duration `yaml:"timeout"`
}

// PromQL asks Prometheus for one number and holds it against bounds.
type PromQL struct {
	Expr string `yaml:"promql"`
	// From is the URL of the server; the agent's own Prometheus if empty.
	From string `yaml:"from"`
	// Min and Max are the bounds; at least one is set.
	Min     *float64      `yaml:"min"`
	Max     *float64      `yaml:"max"`
	Timeout time.Duration `yaml:"timeout"`
}

// Metric scrapes a counter: it may rise by Max in the time Per.
type Metric struct {
	Name    string            `yaml:"metric"`
	From    string            `yaml:"from"`
	Labels  map[string]string `yaml:"labels"`
	Max     *float64          `yaml:"max"`
	Per     time.Duration     `yaml:"per"`
	Timeout time.Duration     `yaml:"timeout"`
}

// Memory holds what is in use against a share of what there is.
type Memory struct {
	// Of is the slice whose memory it is; empty for the whole machine. The file
	// says `host` for whichever of them host.memory names.
	Of string `yaml:"memory"`
	// Allocation is what the slice was given; 0 for the whole machine.
	Allocation Size          `yaml:"allocation"`
	Max        Percent       `yaml:"max"`
	Timeout    time.Duration `yaml:"timeout"`
}

// Exists wants a regular file that is not empty. It is never opened.
type Exists struct {
	Path    string        `yaml:"file"`
	Timeout time.Duration `yaml:"timeout"`
}

// Free wants free space where a path lies.
type Free struct {
	Path string `yaml:"disk"`
	// Min is what must be free: a share, or so many bytes.
	Min     Amount        `yaml:"min"`
	Timeout time.Duration `yaml:"timeout"`
}

// defaultTimeout bounds a probe that says nothing else. It is half of the 10 s
// that the longest pause between two questions of a verification lasts.
const defaultTimeout = 5 * time.Second

// defaultHeader is the header in which GitLab sends a webhook's secret.
const defaultHeader = "X-Gitlab-Token"

// timeout is where the kind of probe that p is keeps its timeout.
func (p Probe) timeout() *time.Duration {
	switch {
	case p.HTTP != nil:
		return &p.HTTP.Timeout
	case p.TCP != nil:
		return &p.TCP.Timeout
	case p.TLS != nil:
		return &p.TLS.Timeout
	case p.PromQL != nil:
		return &p.PromQL.Timeout
	case p.Metric != nil:
		return &p.Metric.Timeout
	case p.Memory != nil:
		return &p.Memory.Timeout
	case p.File != nil:
		return &p.File.Timeout
	case p.Disk != nil:
		return &p.Disk.Timeout
	}
	return nil
}
