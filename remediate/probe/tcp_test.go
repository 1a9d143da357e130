package probe

import (
	"io"
	"net"
	"testing"
	"time"

	"nightshift/remediate"
)

func TestTCPConnects(t *testing.T) {
	sees(t, NewTCP(TCPOptions{Name: "x", Address: hangingListener(t)}), remediate.Healthy, "connected")
	sees(t, NewTCP(TCPOptions{Name: "x", Address: closedPort(t)}), remediate.Unhealthy, "refused")
}

func TestTLSSaysUntilWhenTheCertificateIsValid(t *testing.T) {
	ours := newAuthority(t)
	until := time.Now().Add(10*24*time.Hour + time.Hour)
	o := TLSOptions{Name: "x", Address: serve(t, ours.issue(t, until), status(200, "")), CAFile: ours.file(t, ""), MinDays: 10}
	sees(t, NewTLS(o, time.Now), remediate.Healthy, "ends "+until.UTC().Format(time.RFC3339)+", in 10 days")
	o.MinDays = 11
	sees(t, NewTLS(o, time.Now), remediate.Unhealthy, "expected at least 11")
}

func TestTLSHoldsTheCertificateToTheName(t *testing.T) {
	ours := newAuthority(t)
	o := TLSOptions{
		Name: "x", Address: serve(t, ours.issue(t, time.Now().Add(time.Hour)), status(200, "")),
		CAFile: ours.file(t, ""), ServerName: "other.local",
	}
	sees(t, NewTLS(o, time.Now), remediate.Unhealthy, "other.local")
}

func TestTLSWithWhatSpeaksNoTLSIsUnhealthy(t *testing.T) {
	for _, address := range []string{
		closedPort(t),
		listen(t, func(conn net.Conn) { readSome(conn); io.WriteString(conn, "no TLS\r\n\r") }),
		listen(t, func(conn net.Conn) { conn.Close() }),
	} {
		sees(t, NewTLS(TLSOptions{Name: "x", Address: address, Timeout: patience}, time.Now), remediate.Unhealthy, "")
	}
	sees(t, NewTLS(TLSOptions{Name: "x", Address: hangingListener(t), Timeout: haste}, time.Now), remediate.Unhealthy, "in time")
}
