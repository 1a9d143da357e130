package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nightshift/remediate"
)

// serial is how a certificate is told from the one before: its serial number in
// hex, as openssl(1) writes it.
func serial(c *x509.Certificate) string { return fmt.Sprintf("%X", c.SerialNumber) }

// Sees is the evidence that the probe can give.
func (t *TLS) Sees() remediate.Sight { return remediate.SeeCertificate }

// See is what is served, whoever signed it, and the files that it is from.
func (t *TLS) See(ctx context.Context) (string, error) {
	var text strings.Builder
	served, err := t.served(ctx)
	if err != nil {
		fmt.Fprintf(&text, "served by %s: %s\n", t.o.Address, remediate.Brief(err.Error()))
	} else {
		fmt.Fprintf(&text, "served by %s: %s\n", t.o.Address, t.describe(served))
	}
	seen := t.turn.look(ctx, func() answer { return healthy("%s", t.files()) })
	if seen.health != remediate.Healthy {
		seen.detail = "its files: " + seen.detail + "\n"
	}
	text.WriteString(seen.detail)
	return text.String(), nil
}

// served is the certificate of a handshake that trusts anybody: it is only looked
// at, and nothing is sent or believed.
func (t *TLS) served(ctx context.Context) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(t.o.Timeout))
	defer cancel()
	plain, err := dial(ctx, "tcp", t.o.Address)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	conn := tls.Client(plain, &tls.Config{ServerName: t.o.ServerName, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // evidence, see above
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

// describe says what is worth knowing of a certificate.
func (t *TLS) describe(c *x509.Certificate) string {
	names := c.DNSNames
	for _, address := range c.IPAddresses {
		names = append(names, address.String())
	}
	return remediate.Printable(fmt.Sprintf("serial %s, valid from %s to %s (%d days left), for %s, by %s", serial(c),
		c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339), t.daysLeft(c.NotAfter),
		strings.Join(names[:min(len(names), 8)], " "), c.Issuer))
}

// files says how the files stand that the service has its certificate from. The
// key is never opened.
func (t *TLS) files() string {
	var text strings.Builder
	for _, path := range []string{t.o.CertFile, t.o.KeyFile} {
		if path != "" {
			fmt.Fprintf(&text, "%s: %s\n", path, fileStands(path))
		}
	}
	if t.o.CertFile != "" {
		c, err := readCertificate(t.o.CertFile)
		if err != nil {
			fmt.Fprintf(&text, "in %s: %v\n", t.o.CertFile, err)
		} else {
			fmt.Fprintf(&text, "in %s: %s\n", t.o.CertFile, t.describe(c))
		}
	}
	return text.String()
}

// fileStands says whose a file is, who may read it, and since when it is so. A link
// is followed: that of a secret points to where it lies.
func fileStands(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	owner, group := "?", "?"
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner, group = strconv.Itoa(int(stat.Uid)), strconv.Itoa(int(stat.Gid))
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		if g, err := user.LookupGroupId(group); err == nil {
			group = g.Name
		}
	}
	return fmt.Sprintf("owner %s:%s, mode %04o, %d bytes, changed %s", owner, group, info.Mode().Perm(), info.Size(), info.ModTime().UTC().Format(time.RFC3339))
}

// readCertificate reads the first certificate of a file.
func readCertificate(path string) (*x509.Certificate, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not hold us up
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPEM))
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("it holds no certificate in PEM")
}
