/** Of one instance: bytes of a message, operations of a socket, sockets. */
export const SOCKET_LIMITS = Object.freeze({ frameBytes: 65_536, operations: 20, sockets: 200 });
