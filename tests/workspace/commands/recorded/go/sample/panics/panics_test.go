package panics

import "testing"

func TestBefore(t *testing.T) {}

func TestPanics(t *testing.T) {
	var table map[string]int
	table["x"] = 1
}

func TestAfter(t *testing.T) {}
