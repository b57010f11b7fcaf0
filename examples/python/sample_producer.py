"""Counts, and tells Tidemark through Kafka: one Avro record a sample.

    pip install -r requirements.txt
    python3 sample_producer.py localhost:9092 http://localhost:8081 tidemark.samples 60

The schema comes from the registry, where Tidemark has put it.
"""

import sys
import time

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


def main(bootstrap="localhost:9092", registry="http://localhost:8081", topic="tidemark.samples", samples="60"):
    serialize = AvroSerializer(
        SchemaRegistryClient({"url": registry}),
        conf={"auto.register.schemas": False, "use.latest.version": True},
    )
    place = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 100})
    failed = []

    def on_delivery(error, _message):
        if error is not None:
            failed.append(error)
            print(f"not written: {error}", file=sys.stderr)

    for count in range(1, int(samples) + 1):
        sample = {
            "name": "example_orders_total",
            "labels": [{"name": "language", "value": "python"}],
            "type": "counter",
            "timestamp": int(time.time() * 1000),
            "value": float(count),
        }  # the other fields have defaults
        producer.produce(topic, key="any key", value=serialize(sample, place), on_delivery=on_delivery)
        producer.poll(0)
        if count < int(samples):
            time.sleep(1)
    producer.flush()
    if failed:
        sys.exit(1)
    print(f"{samples} samples on {topic}")


if __name__ == "__main__":
    main(*sys.argv[1:])
