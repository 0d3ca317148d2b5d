"""A convolution with dilation that learns in bfloat16, and fast with TensorFlow."""

import keras


@keras.saving.register_keras_serializable(package="kerasal")
class DilatedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, with the bias added by itself where channels are last.

    On a CPU, TensorFlow adds up the gradient of a bias in the precision of the maps: in bfloat16 a sum over
    all pixels of a batch is little more than noise. Without dilation oneDNN takes the sum over, in float32.
    An addition's gradient is summed well in every precision.
    """

    def call(self, inputs):
        if not self.use_bias or self.data_format != "channels_last":
            return super().call(inputs)
        return self.activation(self.convolution_op(inputs, self.kernel) + self.bias)

    def convolution_op(self, inputs, kernel):
        plain = self.data_format == "channels_last" and self.groups == 1 and max(self.dilation_rate) > 1
        if not plain or keras.backend.backend() != "tensorflow":
            return super().convolution_op(inputs, kernel)
        from kerasal._tensorflow import convolution

        return convolution(inputs, kernel, self.padding, self.dilation_rate)
