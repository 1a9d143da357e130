package probe

import (
	"context"
	"crypto/tls"
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
	Timeout time.Duration
}

// TLS makes a handshake and looks at the certificate.
type TLS struct {
	o     TLSOptions
	trust trust
	now   func() time.Time
}

// NewTLS makes a probe of a certificate. A day left is one by now.
func NewTLS(o TLSOptions, now func() time.Time) *TLS {
	if o.ServerName == "" {
		o.ServerName, _, _ = net.SplitHostPort(o.Address)
	}
	return &TLS{o: o, trust: trust{path: o.CAFile}, now: now}
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
	return t.lasts(conn.ConnectionState().PeerCertificates[0].NotAfter)
}

// lasts says until when a certificate is valid, and whether that is enough.
func (t *TLS) lasts(until time.Time) answer {
	days := int(until.Sub(t.now()).Hours() / 24)
	if days < t.o.MinDays {
		return unhealthy("the certificate ends %s, in %d days; expected at least %d", until.UTC().Format(time.RFC3339), days, t.o.MinDays)
	}
	return healthy("the certificate ends %s, in %d days", until.UTC().Format(time.RFC3339), days)
}
