// SPDX-License-Identifier: Apache-2.0

// hook SOCKET: what oci-hook does, as the smallest Go program, without its care. For comparison.
package main

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"os"
)

type state struct {
	ID     string `json:"id"`
	Pid    uint32 `json:"pid"`
	Bundle string `json:"bundle"`
}

func field(frame []byte, kind uint16, value []byte) []byte {
	frame = binary.LittleEndian.AppendUint16(frame, kind)
	frame = binary.LittleEndian.AppendUint16(frame, uint16(len(value)))
	return append(frame, value...)
}

func main() {
	var s state
	if json.NewDecoder(os.Stdin).Decode(&s) != nil {
		os.Exit(1)
	}
	payload := field(nil, 1, []byte{1})
	payload = field(payload, 2, binary.LittleEndian.AppendUint32(nil, s.Pid))
	payload = field(payload, 3, []byte{1})
	payload = field(payload, 4, []byte(s.ID))
	payload = field(payload, 5, []byte(s.Bundle))
	frame := binary.LittleEndian.AppendUint32([]byte("HFHK\x01\x00\x01\x00"), uint32(len(payload)))
	connection, err := net.Dial("unix", os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	connection.Write(append(frame, payload...))
	answer := make([]byte, 8192)
	count, _ := connection.Read(answer)
	if count < 17 || answer[16] != 1 {
		os.Exit(1)
	}
}
