package journal

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
)

// Options say whose log it is and where it lies. Dir, Host, Now and Snapshot
// are required; what is said of digests can change later: [Journal.Describe].
type Options struct {
	// Dir is the state directory; it is made if it does not exist.
	Dir string
	// Host is the name of this host, one token of [a-z0-9-], at most 63.
	Host string
	// Agent is the version of the program, Inventory and Playbooks the digests
	// of its configuration: each event names them.
	Agent, Inventory, Playbooks string

	// Listen is where people connect, as host:port; empty for nowhere. Port 0
	// takes a free one.
	Listen string
	// TLSCert, TLSKey and TLSCA are files in PEM. Off loopback the first two
	// are required; TLSCA is the authority that the nats context trusts.
	TLSCert, TLSKey, TLSCA string
	// People may connect there, beside the operator; they can change later:
	// [Journal.SetPeople].
	People []Person
	// Leaf is the cluster that people's account joins, if any.
	Leaf Leaf
	// Group may read the operator's seed; empty for nightshift, if the system
	// has it.
	Group string

	// Snapshot writes the fold of all events that were appended so far, as
	// JSON. It is called from within Append and Close, in their goroutine.
	Snapshot func() ([]byte, error)
	// Now is the clock: when alerts were received, and when snapshots were made.
	Now func() remediate.Instant

	// Log is where the server's warnings go as well; nil discards them.
	Log *slog.Logger
	// Metrics is where the metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer

	// whole has the whole store looked at before the server is: a reader may
	// ask for what a start does not.
	whole bool
}

// tokenPattern is what NATS takes as one plain token and what is readable in a
// subject; 63 is the limit of a DNS label, RFC 1035 section 2.3.4.
var tokenPattern = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// check finds what is wrong with the options, all of it.
func (o *Options) check() error {
	var errs []error
	if o.Dir == "" {
		errs = append(errs, errors.New("cannot open the journal: no state directory; set NIGHTSHIFT_STATE_DIR"))
	}
	if !tokenPattern.MatchString(o.Host) {
		errs = append(errs, fmt.Errorf("cannot use host name %q: expected 1 to 63 of a-z, 0-9 and -", o.Host))
	}
	if o.Now == nil || o.Snapshot == nil {
		errs = append(errs, errors.New("cannot open the journal: it needs a clock and a snapshot function"))
	}
	return errors.Join(append(errs, o.checkListen(), o.Leaf.Check())...)
}

// checkListen refuses to be reachable from elsewhere without TLS.
func (o *Options) checkListen() error {
	if o.Listen == "" {
		return nil
	}
	host, _, err := o.listenAddr()
	if err != nil {
		return err
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return errors.New("cannot use TLS for NATS: expected both NIGHTSHIFT_NATS_TLS_CERT_FILE and NIGHTSHIFT_NATS_TLS_KEY_FILE, or neither")
	}
	if o.TLSCert == "" && !loopback(host) {
		return fmt.Errorf("cannot listen on %s without TLS: set NIGHTSHIFT_NATS_TLS_CERT_FILE and NIGHTSHIFT_NATS_TLS_KEY_FILE, or listen on 127.0.0.1", o.Listen)
	}
	return nil
}

// listenAddr is the address to listen on in the server's own terms, where a
// free port is -1.
func (o *Options) listenAddr() (string, int, error) {
	host, text, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("cannot listen on %q: expected HOST:PORT", o.Listen)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("cannot listen on %q: expected a port from 0 to 65535", o.Listen)
	}
	if port == 0 {
		return host, -1, nil
	}
	return host, int(port), nil
}

// loopback reports whether host can only be reached from this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tlsConfig reads the certificate; nil when there is none.
func (o *Options) tlsConfig() (*tls.Config, error) {
	if o.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("cannot use NIGHTSHIFT_NATS_TLS_CERT_FILE and NIGHTSHIFT_NATS_TLS_KEY_FILE: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// now is the moment of an event of the journal's own.
func (o *Options) now() remediate.Instant { return o.Now() }

// The limits of the streams, and how long a call may take.
const (
	// MaxPayload is the longest message, in bytes: a batch of alerts, an event.
	MaxPayload = 8 << 20

	logBytes      = 1 << 30
	alertsBytes   = 256 << 20
	evidenceBytes = 256 << 20
	keptFor       = 30 * 24 * time.Hour

	// storeBytes is what the server may use for all streams. It is said, so
	// that it is not guessed from the free space at the time of a start.
	storeBytes = 8 << 30

	// callDeadline bounds one request to the server: a sync on a busy disk
	// was seen to take a second.
	callDeadline = 5 * time.Second
	// openDeadline bounds one opening of the store. A damaged one can keep the
	// server busy for ever; a sound one with a million events takes 0.4 s.
	openDeadline = 10 * time.Second
	// writeDeadline is how long one who does not read holds up what waits for them.
	writeDeadline = callDeadline
	// stopDeadline bounds the end of a server.
	stopDeadline = 5 * time.Second
)

// url is how the nats client of this host gets to port: by name, because a
// certificate has names.
func (o *Options) url(port int) string {
	host, _, _ := o.listenAddr() // checked before
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "nats"
	if o.TLSCert != "" {
		scheme = "tls"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// logger is the options' logger, or one that says nothing.
func (o *Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// makeDir makes the state directory: the group may read it, others nothing.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot make the state directory: %w", err)
	}
	return nil
}
