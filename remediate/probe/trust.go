package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxPEM bounds a file of certificates, in bytes. That of Debian, with every
// authority of the web, has some 220 KiB.
const maxPEM = 1 << 20

// trust holds the certificates of a file, and reads it again when it is another
// one: certificates are renewed while the agent runs.
type trust struct {
	path string

	mu      sync.Mutex
	size    int64
	changed time.Time
	pool    *x509.CertPool
}

// config is how a connection is made that trusts the file's certificates; those
// of the system where there is no file.
func (t *trust) config(serverName string) (*tls.Config, error) {
	config := &tls.Config{ServerName: serverName, MinVersion: tls.VersionTLS12}
	if t.path == "" {
		return config, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refresh(); err != nil {
		return nil, fmt.Errorf("cannot read the CA file: %w", err)
	}
	config.RootCAs = t.pool
	return config, nil
}

// refresh reads the file if its size or time differ from those of the last time.
func (t *trust) refresh() error {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if t.pool != nil && info.Size() == t.size && info.ModTime().Equal(t.changed) {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPEM))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New(t.path + " holds no certificate in PEM")
	}
	t.size, t.changed, t.pool = info.Size(), info.ModTime(), pool
	return nil
}
