package inventory

import "time"

// Probe is one entry of `probes`. Exactly one of its fields is set: the one whose
// key the entry has.
type Probe struct {
	HTTP     *HTTP     `yaml:"http"`
	TCP      *TCP      `yaml:"tcp"`
	TLS      *TLS      `yaml:"tls"`
	PromQL   *PromQL   `yaml:"promql"`
	Metric   *Metric   `yaml:"metric"`
	Memory   *Memory   `yaml:"memory"`
	File     *Exists   `yaml:"file"`
	Disk     *Free     `yaml:"disk"`
	Postgres *Postgres `yaml:"postgres"`
	CPU      *CPU      `yaml:"cpu"`
	OOM      *OOM      `yaml:"oom"`
	Restarts *Restarts `yaml:"restarts"`
	Resolve  *Resolve  `yaml:"resolve"`
	Route    *Route    `yaml:"route"`
}

// HTTP asks a URL and expects one of some statuses. Redirects are not followed.
type HTTP struct {
	URL string `yaml:"http"`
	// Method is GET, HEAD or POST.
	Method string `yaml:"method"`
	// Body is what a POST sends, as application/json.
	Body   string `yaml:"body"`
	Expect []int  `yaml:"expect,orone"`
	// JSON is what fields of the answer must be, by their dotted path.
	JSON map[string]string `yaml:"json"`
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
	MinDays int `yaml:"min_days"`
	// Cert and Key are the files that the service has its certificate from. They
	// are for evidence, and the key is never opened.
	Cert    string        `yaml:"cert"`
	Key     string        `yaml:"key"`
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
	Min Amount `yaml:"min"`
	// MinInodes is the share of its files that must be free to be made; 0 asks for
	// nothing.
	MinInodes Percent       `yaml:"min_inodes"`
	Timeout   time.Duration `yaml:"timeout"`
}

// Postgres asks a PostgreSQL for SELECT 1, and how many connections are left.
type Postgres struct {
	// At is the folder of its socket, or HOST:PORT.
	At       string `yaml:"postgres"`
	User     string `yaml:"user"`
	Database string `yaml:"database"`
	// PassFile holds the password (libpq's format), where one is needed.
	PassFile string `yaml:"passfile"`
	// CA is a file of certificates to trust; with it only TLS will do.
	CA string `yaml:"ca"`
	// Max is the greatest healthy share of the connections; 0 asks for nothing.
	Max     Percent       `yaml:"max"`
	Timeout time.Duration `yaml:"timeout"`
}

// CPU holds the time of the processors that was used against a share.
type CPU struct {
	// Of is a unit or a slice; empty for the whole machine, `host` in the file.
	Of string `yaml:"cpu"`
	// Max is a share of the machine, or of one processor for a unit or slice.
	Max     Percent       `yaml:"max"`
	Per     time.Duration `yaml:"per"`
	Timeout time.Duration `yaml:"timeout"`
}

// OOM wants no process killed because memory ran out.
type OOM struct {
	// Of is a unit or a slice; empty for the whole machine, `host` in the file.
	Of string `yaml:"oom"`
	// Max is how many may be killed in the time Per.
	Max     int           `yaml:"max"`
	Per     time.Duration `yaml:"per"`
	Timeout time.Duration `yaml:"timeout"`
}

// Restarts wants a service that systemd does not have to start again and again.
type Restarts struct {
	Unit string `yaml:"restarts"`
	// Max is how often systemd may restart it by itself in the time Per.
	Max     int           `yaml:"max"`
	Per     time.Duration `yaml:"per"`
	Timeout time.Duration `yaml:"timeout"`
}

// Resolve looks a name up.
type Resolve struct {
	Name string `yaml:"resolve"`
	// Server is the name server that is asked; those of the host if empty.
	Server  string        `yaml:"server"`
	Timeout time.Duration `yaml:"timeout"`
}

// Route wants a way to an address.
type Route struct {
	// To is an IP address; empty for anywhere, `default` in the file.
	To      string        `yaml:"route"`
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
	case p.Postgres != nil:
		return &p.Postgres.Timeout
	case p.CPU != nil:
		return &p.CPU.Timeout
	case p.OOM != nil:
		return &p.OOM.Timeout
	case p.Restarts != nil:
		return &p.Restarts.Timeout
	case p.Resolve != nil:
		return &p.Resolve.Timeout
	case p.Route != nil:
		return &p.Route.Timeout
	}
	return nil
}
