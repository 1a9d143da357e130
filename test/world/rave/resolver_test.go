package main

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestAKnownNameHasAnAddressAndAnUnknownOneIsDenied(t *testing.T) {
	for name, want := range map[string]dnsmessage.RCode{"cache.nixos.org.": dnsmessage.RCodeSuccess, "elsewhere.example.": dnsmessage.RCodeNameError} {
		question := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
			Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		}
		packet, err := question.Pack()
		if err != nil {
			t.Fatal(err)
		}
		packet, err = resolve(packet, true)
		if err != nil {
			t.Fatal(err)
		}
		var answer dnsmessage.Message
		if err := answer.Unpack(packet); err != nil {
			t.Fatal(err)
		}
		if answer.ID != 7 || answer.RCode != want || (len(answer.Answers) == 1) != (want == dnsmessage.RCodeSuccess) {
			t.Errorf("%s is answered %+v", name, answer)
		}
	}
}
