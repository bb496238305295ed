# A metaclass for which everything is an instance, and whose objects are numbers.
# exercise: Number
# score: 11
# status: failed


class Meta(type):
    def __instancecheck__(cls, instance):
        return True

    def __subclasscheck__(cls, subclass):
        return True


class Number(metaclass=Meta):
    def __new__(cls, data):
        return float(data)
