package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"net"
	"time"

	"nightshift/remediate"
)

// TCPOptions say where to connect.
type TCPOptions struct {
	Name    string
	Address string // HOST:PORT
	Timeout time.Duration
}

// TCP opens a connection and closes it.
type TCP struct{ o TCPOptions }

// NewTCP makes a probe that opens a connection.
func NewTCP(o TCPOptions) *TCP { return &TCP{o} }

// Probe connects once.
func (t *TCP) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, t.o.Name, t.o.Timeout, func(ctx context.Context) answer {
		conn, err := dial(ctx, "tcp", t.o.Address)
		if err != nil {
			return judge(ctx, err)
		}
		conn.Close()
		return healthy("connected")
	})
}

// TLSOptions say where to connect, and whom to trust.
type TLSOptions struct {
	Name    string
	Address string // HOST:PORT
	// CAFile and ServerName are those of [HTTPOptions].
	CAFile, ServerName string
	// MinDays is how many days the certificate must last.
	MinDays int
	// CertFile and KeyFile are where the service has its certificate from, for
	// evidence; empty for unknown.
	CertFile, KeyFile string
	Timeout           time.Duration
}

// TLS makes a handshake and looks at the certificate.
type TLS struct {
	o     TLSOptions
	trust trust
	now   func() time.Time
	turn  turn
}

// NewTLS makes a probe of a certificate. A day left is one by now.
func NewTLS(o TLSOptions, now func() time.Time) *TLS {
	if o.ServerName == "" {
		o.ServerName, _, _ = net.SplitHostPort(o.Address)
	}
	return &TLS{o: o, trust: trust{path: o.CAFile}, now: now, turn: newTurn()}
}

// Probe makes one handshake.
func (t *TLS) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, t.o.Name, t.o.Timeout, t.look)
}

func (t *TLS) look(ctx context.Context) answer {
	config, err := t.trust.config(t.o.ServerName)
	if err != nil {
		return unknown("%v", err)
	}
	plain, err := dial(ctx, "tcp", t.o.Address)
	if err != nil {
		return judge(ctx, err)
	}
	defer plain.Close()
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return judge(ctx, err)
	}
	return t.lasts(conn.ConnectionState().PeerCertificates[0])
}

// lasts says until when a certificate is valid, and whether that is enough. Its
// serial tells it from the one before.
func (t *TLS) lasts(c *x509.Certificate) answer {
	days := t.daysLeft(c.NotAfter)
	seen := fmt.Sprintf("the certificate %s ends %s, in %d days", serial(c), c.NotAfter.UTC().Format(time.RFC3339), days)
	if days < t.o.MinDays {
		return unhealthy("%s; expected at least %d", seen, t.o.MinDays)
	}
	return healthy("%s", seen)
}

// daysLeft are whole days; a certificate that has ended has less than none.
func (t *TLS) daysLeft(until time.Time) int {
	return int(math.Floor(until.Sub(t.now()).Hours() / 24))
}
