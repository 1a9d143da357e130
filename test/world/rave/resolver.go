package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	resolverAddress = "127.0.0.53:53"
	resolverControl = "127.0.0.1:3059"
	packetBytes     = 512 // of a question over UDP, RFC 1035 section 2.3.4
)

// known are the names that the site asks for. The addresses are of RFC 5737.
var known = map[string][4]byte{
	"cache.nixos.org.": {198, 51, 100, 10},
	"rave.local.":      {127, 0, 0, 1},
}

// resolver answers for the names that the site asks for, until it is told to be
// silent.
func resolver(ctx context.Context) error {
	conn, err := net.ListenPacket("udp", resolverAddress)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	var silent atomic.Bool
	control := http.NewServeMux()
	control.HandleFunc("POST /break/silence", func(http.ResponseWriter, *http.Request) { silent.Store(true) })
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	go func() {
		packet := make([]byte, packetBytes)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return // closed
			}
			if answer, err := resolve(packet[:n], hasWay()); err == nil && !silent.Load() {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return serve(ctx, map[string]http.Handler{resolverControl: control})
}

// hasWay is whether this machine has a way to everywhere (Documentation/networking,
// /proc/net/route): the name server asks others, who are there.
func hasWay() bool {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		if words := strings.Fields(line); len(words) > 1 && words[1] == "00000000" { // its destination
			return true
		}
	}
	return false
}

// resolve answers one question: what is not known does not exist. Without a way to
// those who would know, it fails.
func resolve(packet []byte, way bool) ([]byte, error) {
	var p dnsmessage.Parser
	asked, err := p.Start(packet)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	header := dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired, RecursionAvailable: true}
	address, exists := known[question.Name.String()]
	if !way {
		header.RCode = dnsmessage.RCodeServerFailure
	} else if !exists {
		header.RCode = dnsmessage.RCodeNameError
	}
	m := dnsmessage.Message{Header: header, Questions: []dnsmessage.Question{question}}
	if way && exists && question.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: address},
		}}
	}
	return m.Pack()
}
