package journal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// certificate makes a certificate for localhost that is its own authority.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestOffLoopbackPeopleConnectWithTLSOnly(t *testing.T) {
	cert, key := certificate(t)
	dir := t.TempDir()
	a := start(t, dir, func(o *Options) { o.Listen, o.TLSCert, o.TLSKey, o.TLSCA = "0.0.0.0:0", cert, key, cert })
	a.add(t, 1) // the agent itself needs no certificate

	_, port, err := net.SplitHostPort(a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	seed, err := nats.NkeyOptionFromSeed(seedFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	url := "tls://localhost:" + port
	conn, err := nats.Connect(url, seed, nats.RootCAs(cert))
	if err != nil {
		t.Fatalf("with the authority: %v", err)
	}
	conn.Close()
	if conn, err := nats.Connect(url, seed); err == nil {
		conn.Close()
		t.Error("connected to a server whose authority is unknown")
	}
}
