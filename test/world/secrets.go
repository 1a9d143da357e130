package world

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"math/big"
	"time"
)

// Where the site's secrets come from, and where its services read them once they are
// delivered.
const (
	secretsDir   = "/etc/rave/secrets"
	deliveredDir = "/run/secrets"
)

// certify writes a new certificate for the site, good until then, and its key.
func (w *World) certify(dir string, until time.Time) error {
	certificate, key, err := w.authority.issue(until, "localhost", "rave.local")
	if err != nil {
		return err
	}
	if err := w.WriteFile(dir+"/tls-key", key, 0o600); err != nil {
		return err
	}
	return w.WriteFile(dir+"/tls-cert", certificate, 0o644)
}

// AgeCertificate has nginx serve a certificate that ends then, which may be over. Where
// secrets come from there is a newer one: somebody renewed it, and nobody delivered
// it.
func (w *World) AgeCertificate(ctx context.Context, until time.Time) error {
	if err := w.certify(deliveredDir, until); err != nil {
		return err
	}
	if err := w.certify(secretsDir, w.authority.certificate.NotAfter); err != nil {
		return err
	}
	// Reloaded, its old processes would go on for a moment, and serve the old one.
	_, err := w.Exec(ctx, "systemctl", "restart", "nginx.service")
	return err
}

// RotateWebhookSecret gives GitLab a new secret and has it delivered to where the
// dispatcher reads it, which it does when it starts: GitLab is refused until then.
func (w *World) RotateWebhookSecret(ctx context.Context) (secret string, err error) {
	secret = rand.Text()
	if err := w.WriteFile(secretsDir+"/webhook-gitlab-secret", []byte(secret+"\n"), 0o600); err != nil {
		return "", err
	}
	if err := w.WriteFile("/etc/gitlab/webhook.token", []byte(secret+"\n"), 0o400); err != nil {
		return "", err
	}
	_, err = w.Exec(ctx, "systemctl", "restart", "sops-nix.service", "gitlab.service")
	return secret, err
}

// RenewCertificate has a new certificate delivered to where nginx reads it, which it
// does when it is told to.
func (w *World) RenewCertificate(ctx context.Context) error {
	if err := w.certify(secretsDir, w.authority.certificate.NotAfter); err != nil {
		return err
	}
	_, err := w.Exec(ctx, "systemctl", "restart", "sops-nix.service")
	return err
}

// Served is a certificate as clients get it.
type Served struct {
	Serial *big.Int
	Until  time.Time
}

// Served is the certificate that nginx shows now, good or not.
func (w *World) Served(ctx context.Context) (Served, error) {
	conn, err := w.Dial(ctx, "tcp", "localhost:3002")
	if err != nil {
		return Served{}, err
	}
	defer conn.Close()
	// It is looked at, not trusted.
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := client.HandshakeContext(ctx); err != nil {
		return Served{}, err
	}
	leaf := client.ConnectionState().PeerCertificates[0]
	return Served{leaf.SerialNumber, leaf.NotAfter}, nil
}
