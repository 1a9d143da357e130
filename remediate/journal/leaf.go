package journal

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// Leaf is a NATS cluster that an account for it joins as a leaf node, so that people
// reach this host through it. The account of the log never does.
type Leaf struct {
	// URL is the cluster's, with the port for leaf nodes; several are separated by
	// commas. Empty joins none.
	URL string
	// Creds or NKey is a file to log in with; both empty where the cluster asks for
	// nothing, or the URL says it.
	Creds, NKey string
	// CA is the authority of the cluster's certificate, in PEM; empty is the
	// system's.
	CA string
}

// Check finds what is wrong with a leaf, without reading files.
func (l Leaf) Check() error {
	if l.URL == "" {
		if l.Creds != "" || l.NKey != "" {
			return errors.New("cannot use NIGHTSHIFT_NATS_CREDS_FILE or NIGHTSHIFT_NATS_NKEY_FILE without NIGHTSHIFT_NATS_LEAF: there is no cluster to log in to")
		}
		return nil
	}
	if l.Creds != "" && l.NKey != "" {
		return errors.New("cannot use both NIGHTSHIFT_NATS_CREDS_FILE and NIGHTSHIFT_NATS_NKEY_FILE: expected one of them")
	}
	_, err := l.urls()
	return err
}

// urls are the parsed addresses. They may hold a password, so errors don't quote.
func (l Leaf) urls() ([]*url.URL, error) {
	var urls []*url.URL
	for text := range strings.SplitSeq(l.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || u.Port() == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return nil, errors.New("cannot use NIGHTSHIFT_NATS_LEAF: expected nats://HOST:PORT or tls://HOST:PORT; the port is the cluster's for leaf nodes (7422 by default)")
		}
		urls = append(urls, u)
	}
	return urls, nil
}

// leafNode are the server's options for the leaf; none without one. Its account lets
// through what people need and no more; of that, nobody in the cluster says verbs in
// the name of this host's operator.
func (o *Options) leafNode() (server.LeafNodeOpts, error) {
	if o.Leaf.URL == "" {
		return server.LeafNodeOpts{}, nil
	}
	urls, err := o.Leaf.urls()
	if err != nil {
		return server.LeafNodeOpts{}, err
	}
	remote := &server.RemoteLeafOpts{
		LocalAccount: clusterAccount, URLs: urls, Credentials: o.Leaf.Creds,
		TLSTimeout:  callDeadline.Seconds(),
		DenyImports: []string{"nightshift.do." + operator + ".>"},
	}
	if remote.TLSConfig, err = o.Leaf.tlsConfig(urls); err != nil {
		return server.LeafNodeOpts{}, err
	}
	remote.TLS = remote.TLSConfig != nil
	if remote.Nkey, err = o.Leaf.nkey(); err != nil {
		return server.LeafNodeOpts{}, err
	}
	return server.LeafNodeOpts{Remotes: []*server.RemoteLeafOpts{remote}, ReconnectInterval: leafRetry}, nil
}

// leafRetry is how long after it was lost the cluster is tried again.
const leafRetry = time.Second

// tlsConfig is nil where the cluster is reached without TLS.
func (l Leaf) tlsConfig(urls []*url.URL) (*tls.Config, error) {
	secure := l.CA != ""
	for _, u := range urls {
		secure = secure || u.Scheme == "tls"
	}
	if !secure {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.CA == "" {
		return config, nil
	}
	text, err := os.ReadFile(l.CA)
	if err != nil {
		return nil, fmt.Errorf("cannot read NIGHTSHIFT_NATS_CA_FILE: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("cannot use NIGHTSHIFT_NATS_CA_FILE=%s: expected certificates in PEM", l.CA)
	}
	return config, nil
}

// nkey is the seed of a file, in the form that the server takes.
func (l Leaf) nkey() (string, error) {
	if l.NKey == "" {
		return "", nil
	}
	text, err := os.ReadFile(l.NKey)
	if err != nil {
		return "", fmt.Errorf("cannot read NIGHTSHIFT_NATS_NKEY_FILE: %w", err)
	}
	key, err := nkeys.ParseDecoratedNKey(text)
	if err != nil {
		return "", fmt.Errorf("cannot use NIGHTSHIFT_NATS_NKEY_FILE=%s: expected the seed of a user (SU…)", l.NKey)
	}
	seed, err := key.Seed()
	return string(seed), err
}
