# SPDX-License-Identifier: MIT
import array
import json
import struct
import unittest

from swiftnet import ProtocolError, Tensor
from swiftnet.protocol import decode_answer, encode_request, packed_bytes, unpacked_bytes


def body(outputs, data=b"", **more):
    head = json.dumps({"model_name": "m", "model_version": "1", "outputs": outputs, **more}).encode()
    return str(len(head)), head + data


def output(size, name="a", datatype="FP32", shape=(1,)):
    return {"name": name, "datatype": datatype, "shape": list(shape), "parameters": {"binary_data_size": size}}


class TensorTests(unittest.TestCase):
    def test_lists_are_fp32(self):
        tensor = Tensor.of([[1, 2, 3], [4, 5, 6.5]])
        self.assertEqual((tensor.datatype, tensor.shape), ("FP32", (2, 3)))
        self.assertEqual(bytes(tensor.data), struct.pack("<6f", 1, 2, 3, 4, 5, 6.5))
        self.assertEqual(tensor.tolist(), [[1, 2, 3], [4, 5, 6.5]])

    def test_memory_keeps_its_type(self):
        for letter, datatype in [("f", "FP32"), ("d", "FP64"), ("B", "UINT8"), ("h", "INT16"), ("q", "INT64"), ("l", "INT64")]:
            tensor = Tensor.of(array.array(letter, [1, 2, 3]))
            self.assertEqual((tensor.datatype, tensor.shape, tensor.elements()), (datatype, (3,), [1, 2, 3]))

    def test_a_shape_can_be_given(self):
        tensor = Tensor.of(array.array("f", range(6)), (1, 2, 3))
        self.assertEqual(tensor.tolist(), [[[0, 1, 2], [3, 4, 5]]])
        with self.assertRaisesRegex(ValueError, "6 elements can't have the shape"):
            Tensor.of(array.array("f", range(6)), (4, 2))

    def test_images_are_elements_of_bytes(self):
        tensor = Tensor.of([b"one", b"", bytearray(b"three")])
        self.assertEqual((tensor.datatype, tensor.shape), ("BYTES", (3,)))
        self.assertEqual(tensor.elements(), [b"one", b"", b"three"])

    def test_other_things_are_refused(self):
        for value in [b"an image", "text", [[1, 2], [3]], [[1], 2]]:
            with self.assertRaises((ValueError, TypeError), msg=repr(value)):
                Tensor.of(value)

    def test_numpy(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("numpy is not installed")
        values = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
        for given in [values, values.T, values[::2], values.astype(numpy.float16), values.astype(bool)]:
            tensor = Tensor.of(given)
            self.assertEqual(tensor.shape, given.shape)
            self.assertTrue((tensor.numpy() == given).all())
            self.assertEqual(tensor.numpy().dtype, given.dtype)
        with self.assertRaisesRegex(ValueError, "little-endian"):
            Tensor.of(values.astype(">f4"))
        self.assertEqual(Tensor.of(numpy.zeros((0, 4), numpy.float32)).shape, (0, 4))


class ProtocolTests(unittest.TestCase):
    def test_a_request_is_its_head_and_the_bytes(self):
        length, text = encode_request({"a": Tensor.of([1.0]), "b": Tensor.of([b"xy"])}, [{"name": "o"}], {"views": 4})
        head = json.loads(text[:length])
        self.assertEqual(text[length:], struct.pack("<f", 1) + b"\x02\0\0\0xy")
        self.assertEqual([tensor["parameters"]["binary_data_size"] for tensor in head["inputs"]], [4, 6])
        self.assertEqual(head["parameters"], {"binary_data_output": True, "views": 4})

    def test_an_answer_is_taken_apart(self):
        answer = decode_answer(*body([output(8, shape=(2,)), output(5, "b", "BYTES")], struct.pack("<2f", 1, 2) + b"\x01\0\0\0x"))
        self.assertEqual(answer.outputs["a"].elements(), [1, 2])
        self.assertEqual(answer.outputs["b"].elements(), [b"x"])
        self.assertEqual((answer.model, answer.version), ("m", "1"))

    def test_answers_that_lie_are_refused(self):
        good = body([output(4)], b"1234")[1]
        lies = [
            body([output(8)], b"1234"), body([output(-1)], b"1234"), body([{"name": "a"}]), ("x", good), ("-1", good),
            (str(len(good) + 1), good), ("3", good), (None, b"[]"), (None, b""), body([output("4")], b"1234"), (None, b"\xff"),
        ]
        for lie in lies:
            with self.assertRaises(ProtocolError, msg=repr(lie)):
                decode_answer(*lie)

    def test_lengths_of_bytes_are_checked(self):
        data = packed_bytes([b"abc", b"d"])
        self.assertEqual(unpacked_bytes(data), [b"abc", b"d"])
        for end in [1, 3, 5, 6, 8, len(data) - 1]:
            with self.assertRaises(ProtocolError, msg=str(end)):
                unpacked_bytes(data[:end])


if __name__ == "__main__":
    unittest.main()
