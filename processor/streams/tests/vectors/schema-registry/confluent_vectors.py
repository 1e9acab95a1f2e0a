"""Bytes that Confluent's own serializers for Python write, and what they read: `confluent_vectors.py URL descriptors.bin
[lines]`. Without lines it prints `name hex` lines; of lines it prints what its deserializers make of them. How: README.md."""
import sys
from pathlib import Path

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

url, descriptors, *lines = sys.argv[1:]
client = SchemaRegistryClient({"url": url})
values = SerializationContext("confluent", MessageField.VALUE)
avro_schema = Path("order.avsc").read_text()
json_schema = Path("order.schema.json").read_text()
pool = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(Path(descriptors).read_bytes()).file:
    pool.Add(file)


def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


FULL = {
    "id": "é", "cents": -7, "count": -(2**31), "share": 0.5, "weight": -1.5, "gift": True, "mark": b"\x00\xff",
    "code": b"ab", "status": "PAID", "tags": ["a", ""], "counts": {"a": -1}, "coupon": "spring", "either": 7,
    "at": 1767225600000, "place": {"city": "Ulm"},
}
ORDER = {"id": "é", "cents": -7, "tags": ["a"], "place": {"city": "Ulm"}}


def show(name, data):
    print(name, data.hex())


def write():
    show("avro-int", AvroSerializer(client, avro_schema)(FULL, SerializationContext("confluent-avro", MessageField.VALUE)))
    text = AvroSerializer(client, '"string"', lambda value, _: value)
    show("avro-string", text("é", SerializationContext("confluent-string", MessageField.VALUE)))
    show("json-full", JSONSerializer(json_schema, client)(ORDER, SerializationContext("confluent-json", MessageField.VALUE)))
    protobuf = SerializationContext("confluent-protobuf", MessageField.VALUE)
    conf = {"use.deprecated.format": False}
    order = message("shop.Order")
    full = order(id="é", cents=-7, serial=2**64 - 1, delta=-(2**31), mark=2**32 - 1, share=0.5, weight=-1.5, gift=True,
                 code=b"\x00\xff", status=1, tags=["a", ""], sizes=[1, -1, 300], counts={"a": -1}, machine=0, discount=0)
    full.at.seconds, full.at.nanos, full.place.city = 1767225600, 5, "Ulm"
    show("protobuf-full", ProtobufSerializer(order, client, conf)(full, protobuf))
    refund = message("shop.Refund")
    show("protobuf-refund", ProtobufSerializer(refund, client, conf)(refund(id="r"), protobuf))


def read(line):
    name, data = line.split(" ")
    data = bytes.fromhex(data)
    if name.startswith("avro"):
        return AvroDeserializer(client)(data, values)
    if name.startswith("json"):
        return JSONDeserializer(json_schema)(data, values)
    kind = {"protobuf-refund": "shop.Refund", "protobuf-note": "shop.Order.Note"}.get(name, "shop.Order")
    return str(ProtobufDeserializer(message(kind), {"use.deprecated.format": False})(data, values)).replace("\n", " ")


if lines:
    for line in Path(lines[0]).read_text().splitlines():
        try:
            print(line.split(" ")[0], read(line))
        except Exception as error:
            print(line.split(" ")[0], "FAILED", repr(error))
else:
    write()
