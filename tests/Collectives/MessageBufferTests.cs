using CsCheck;

namespace OpenEmbedding.Collectives.Tests;

public sealed class MessageBufferTests
{
    [Fact]
    public void Class_holds_the_length_and_wastes_at_most_a_quarter() =>
        Gen.Long[0, 1L << 40].Sample(bytes =>
        {
            var index = NativePool.ClassOf(bytes, out var capacity);
            return capacity >= bytes
                && (bytes <= 256 || capacity <= bytes + (bytes / 4) + 1)
                && NativePool.ClassOf(capacity, out var same) == index
                && same == capacity;
        });

    [Fact]
    public void Memory_is_aligned_and_has_the_length()
    {
        foreach (var bytes in (long[])[0, 1, 255, 256, 257, 1 << 20])
        {
            using var message = MessageBuffer.Rent(bytes);
            Assert.Equal(0, message.Pointer % 64);
            Assert.Equal(bytes, message.Length);
            Assert.Equal(bytes, message.Span.Length);
        }
    }

    [Fact]
    public void Length_changes_within_the_capacity()
    {
        using var message = MessageBuffer.Copy("abc"u8);
        message.Resize(message.Capacity);
        Assert.Equal((byte)'c', message.Span[2]);
        message.Resize(0);
        Assert.True(message.Span.IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => message.Resize(message.Capacity + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => message.Resize(-1));
    }

    [Fact]
    public void Disposed_message_is_refused_and_a_second_dispose_does_nothing()
    {
        var message = MessageBuffer.Rent(8);
        message.Dispose();
        message.Dispose();
        Assert.Throws<ObjectDisposedException>(() => message.Pointer);
    }

    [Fact]
    public void Negative_length_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => MessageBuffer.Rent(-1));
}
